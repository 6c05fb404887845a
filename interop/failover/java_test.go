package main

import (
	"testing"
	"time"
)

func TestJavaClientIsUnderstood(t *testing.T) {
	j := &javaClient{}
	to, stopped, created := &ledger{}, make(chan struct{}), make(chan struct{})
	j.mu.ledger, j.mu.stopped, j.mu.created = to, stopped, map[string]chan struct{}{"new": created}
	for _, line := range []string{"ack 3 17", "fail 4 TimeoutException: late", "created new", "stopped", "ack x", "what"} {
		j.heard(line, time.Now())
	}
	acks, failures := to.all()
	if len(acks) != 1 || acks[0].number != 3 || acks[0].offset != 17 {
		t.Errorf("acknowledged: %v", acks)
	}
	if len(failures) != 3 || failures[0] != "fail 4 TimeoutException: late" {
		t.Errorf("failed: %q", failures)
	}
	<-stopped
	<-created
}
