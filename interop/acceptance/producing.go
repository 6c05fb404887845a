package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/command"
	"github.com/chronik/chronik/interop/kafka"
)

const (
	// perSecond is how many records are produced a second: slowly, so that a node dies
	// among them.
	perSecond = 20
	// producingMax bounds a producer that cannot go on.
	producingMax = 90 * time.Second
)

// producing is Kafka's verifiable producer in the background. Its values are the
// numbers from 0; it retries, as producers do where nobody tells them not to.
type producing struct {
	process *exec.Cmd
	stderr  bytes.Buffer
	ended   chan struct{} // closed when it has ended

	mu struct {
		sync.Mutex
		acked  map[string]int64 // offset by value
		failed []string
	}
}

// startProducing begins to produce so many records to a topic of one partition.
func (c *check) startProducing(topic string, records int) *producing {
	settings := filepath.Join(c.cluster.Dir, "producer.properties")
	c.NoError(os.WriteFile(settings, []byte("retries=2147483647\nenable.idempotence=true\n"), 0o600))
	line := c.tools.Line(c.cluster.Bootstrap(), kafka.Tool{Name: "verifiable-producer", Args: []string{"--topic", topic,
		"--max-messages", fmt.Sprint(records), "--throughput", fmt.Sprint(perSecond), "--acks", "-1", "--command-config", settings}})
	c.Note("$ " + line.Title())
	p := &producing{process: exec.Command(line.Args[0], line.Args[1:]...), ended: make(chan struct{})}
	p.mu.acked = map[string]int64{}
	p.process.Stderr = &p.stderr
	p.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := p.process.StdoutPipe()
	c.NoError(err)
	c.NoError(p.process.Start())
	go p.listen(out)
	return p
}

func (p *producing) listen(out io.Reader) {
	defer close(p.ended)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var event struct {
			Name, Value, Message string
			Offset               int64
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			continue // not an event
		}
		p.mu.Lock()
		switch event.Name {
		case "producer_send_success":
			p.mu.acked[event.Value] = event.Offset
		case "producer_send_error":
			p.mu.failed = append(p.mu.failed, lines.Text())
		}
		p.mu.Unlock()
	}
	p.process.Wait() //nolint:errcheck // what was acknowledged is what counts
}

// awaitAcked returns when so many records have been acknowledged.
func (p *producing) awaitAcked(c *check, records int) {
	deadline := time.NewTimer(producingMax)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		acked, failed := p.progress()
		if acked >= records {
			return
		}
		select {
		case <-again.C:
		case <-p.ended:
			if acked, _ := p.progress(); acked >= records {
				return
			}
			c.Failf("the producer ended with %d of %d records acknowledged\n%v\n%s", acked, records, failed, command.Tail(p.stderr.String()))
		case <-deadline.C:
			p.kill()
			c.Failf("%d of %d records are acknowledged after %s\n%v", acked, records, producingMax, failed)
		case <-c.Ctx.Done():
			p.kill()
			c.NoError(c.Ctx.Err())
		}
	}
}

func (p *producing) progress() (acked int, failed []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mu.acked), p.mu.failed
}

// finish returns when the producer has ended, with so many records acknowledged and
// none failed, and what was acknowledged: offsets by value.
func (p *producing) finish(c *check, records int) map[string]int64 {
	p.awaitAcked(c, records)
	select {
	case <-p.ended:
	case <-time.After(producingMax):
		p.kill()
		c.Failf("the producer does not end")
	}
	acked, failed := p.progress()
	c.Equal("records acknowledged", acked, records)
	c.Equal("records failed", failed, []string(nil))
	return p.mu.acked
}

// kill ends a producer that is of no more use.
func (p *producing) kill() {
	p.process.Process.Kill() //nolint:errcheck // it may have ended just now
	<-p.ended
}
