package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress is a line on a terminal that is written anew each second; elsewhere it
// is nothing.
type progress struct {
	to      io.Writer
	written time.Time
}

func newProgress(to io.Writer) *progress {
	f, ok := to.(*os.File)
	if !ok {
		return &progress{}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{to: to, written: time.Now()}
}

// set shows a text, once a second.
func (p *progress) set(text string) {
	if p.to == nil || time.Since(p.written) < time.Second {
		return
	}
	p.written = time.Now()
	_, _ = fmt.Fprintf(p.to, "\r%s\x1b[K", text) // a terminal that is gone ends nothing
}

// end removes the line.
func (p *progress) end() {
	if p.to != nil {
		_, _ = io.WriteString(p.to, "\r\x1b[K")
	}
}
