package certificate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
)

// pemBytesMax bounds what is read of a file. A hundred authorities are a fifth of
// it; whoever names a log or a core dump by mistake should hear so at once.
const pemBytesMax = 1 << 20

// Source is PEM as a setting gives it: the name of a file, or the text itself.
type Source struct {
	Setting string // that gives it, for errors
	File    string // "": Text counts
	Text    string
}

// Given reports whether there is anything.
func (s Source) Given() bool { return s.File != "" || s.Text != "" }

// where is what errors begin with.
func (s Source) where() string {
	if s.File == "" {
		return s.Setting
	}
	return s.Setting + ": " + s.File
}

// read returns the PEM, of a file that is not larger than pemBytesMax.
func (s Source) read() ([]byte, error) {
	if s.File == "" {
		return unfold([]byte(s.Text)), nil
	}
	f, err := os.Open(s.File)
	if err != nil {
		return nil, s.unreadable(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	text, err := io.ReadAll(io.LimitReader(f, pemBytesMax+1))
	if err != nil {
		return nil, s.unreadable(err)
	}
	if len(text) > pemBytesMax {
		return nil, fmt.Errorf("%s is larger than %d bytes; name a PEM file", s.where(), pemBytesMax)
	}
	return unfold(text), nil
}

func (s Source) unreadable(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s cannot be read: %w; name a PEM file that this process may read", s.where(), err)
}

// boundary is the first or the last line of a PEM block, with the space around it.
var boundary = regexp.MustCompile(`\s*(-----(?:BEGIN|END) [A-Z0-9 ]+-----)\s*`)

// unfold gives each boundary a line of its own. Kafka takes PEM that a properties
// file has folded into a single line; Go does not.
func unfold(text []byte) []byte { return boundary.ReplaceAll(text, []byte("\n$1\n")) }

// stamp tells what a file is from what it was: another one under its name (a
// symbolic link that was turned, as Kubernetes does), or other content. nil where
// there is no file, or none that can be looked at.
type stamp struct{ info fs.FileInfo }

func (s Source) stamp() stamp {
	if s.File == "" {
		return stamp{}
	}
	info, err := os.Stat(s.File)
	if err != nil {
		return stamp{}
	}
	return stamp{info}
}

func (a stamp) same(b stamp) bool {
	if a.info == nil || b.info == nil {
		return a.info == nil && b.info == nil
	}
	return os.SameFile(a.info, b.info) && a.info.Size() == b.info.Size() && a.info.ModTime().Equal(b.info.ModTime())
}
