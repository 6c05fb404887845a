package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/cluster"
)

// logLine is a line that a node has logged.
type logLine struct {
	at      time.Time
	level   string
	message string
	attrs   map[string]any
	text    string
}

// parseLine reads a line of a node's log; one that is not JSON has a level of its own,
// for nothing but a panic writes past the logger.
func parseLine(text string) logLine {
	line := logLine{level: "NONE", text: text}
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return line
	}
	take := func(name string) string {
		value, _ := fields[name].(string)
		delete(fields, name)
		return value
	}
	line.level, line.message = take("level"), take("msg")
	line.at, _ = time.Parse(time.RFC3339Nano, take("time")) // one without its time is of no time
	line.attrs = fields
	return line
}

// log is all that a node has logged.
func (c *check) log(n *cluster.Node) []logLine {
	data, err := os.ReadFile(n.LogPath)
	c.NoError(err)
	var lines []logLine
	for text := range strings.Lines(string(data)) {
		lines = append(lines, parseLine(strings.TrimSpace(text)))
	}
	return lines
}

// logged are a node's lines of a message that have the attributes given, as pairs of a
// name and a value; a nil value is any.
func (c *check) logged(n *cluster.Node, message string, attrs ...any) []logLine {
	var found []logLine
	for _, line := range c.log(n) {
		if line.message == message && line.has(attrs) {
			found = append(found, line)
		}
	}
	return found
}

func (l logLine) has(attrs []any) bool {
	for i := 0; i < len(attrs); i += 2 {
		value, found := l.attrs[attrs[i].(string)]
		if !found || attrs[i+1] != nil && fmt.Sprint(value) != fmt.Sprint(attrs[i+1]) {
			return false
		}
	}
	return true
}

// loggedSomewhere are the lines of all nodes, and ends the check where there are none.
func (c *check) loggedSomewhere(message string, attrs ...any) []logLine {
	var found []logLine
	for _, n := range c.cluster.Nodes {
		found = append(found, c.logged(n, message, attrs...)...)
	}
	if found == nil {
		c.Failf("no node has logged %q with %v", message, attrs)
	}
	return found
}

// expectedLine is a line that must be in a log, with attributes as in logged.
type expectedLine struct {
	level, message string
	attrs          []any
}

// String is the line as a report names it.
func (l expectedLine) String() string {
	text := l.level + " " + l.message
	for i := 0; i < len(l.attrs); i += 2 {
		text += " " + l.attrs[i].(string)
		if l.attrs[i+1] != nil {
			text += fmt.Sprintf("=%v", l.attrs[i+1])
		}
	}
	return text
}

// operatorsLines are what one must be able to read in the logs.
func operatorsLines() []expectedLine {
	return []expectedLine{
		{"INFO", "Raft cluster initialized", []any{"voters", "[1 2 3]"}},
		{"INFO", "Raft state", []any{"state", "Leader", "term", nil}},
		{"INFO", "Raft state", []any{"state", "Follower", "term", nil}},
		{"INFO", "Applying command", []any{"type", "RegisterBroker"}},
		{"INFO", "Applying command", []any{"type", "CreateTopics"}},
		{"INFO", "Applying command", []any{"type", "AlterISR"}},
		{"INFO", "ISR updated", []any{"partition", nil, "isr", nil}},
		{"DEBUG", "acks=-1 registered", []any{"partition", nil, "offset", nil, "isr", nil, "quorum", nil}},
		{"DEBUG", "ISR quorum reached", []any{"partition", nil, "offset", nil, "isr", nil, "quorum", nil}},
		{"DEBUG", "ACK sent to leader", []any{"partition", nil, "offset", nil}},
		{"INFO", "Leader timeout", []any{"partition", nil, "leader", nil}},
		{"INFO", "Electing first ISR member as leader", []any{"partition", nil, "node", nil}},
		{"INFO", "Elected new leader", []any{"partition", nil, "node", nil, "epoch", nil}},
		{"INFO", "Caught up with leader at offset", []any{"partition", nil, "offset", nil}},
	}
}
