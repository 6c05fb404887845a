package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestComplaintsAreErrorLines(t *testing.T) {
	b := &broker{logPath: filepath.Join(t.TempDir(), "log")}
	calm := `{"level":"INFO","msg":"became leader","error":"none"}` + "\n" + `12:00:00.000 WRN a request of NO_ERROR` + "\n"
	loud := []string{`{"time":"x","level":"ERROR","msg":"disk"}`, "12:00:00.000 ERR disk", "panic: BUG", "time=x level=ERROR msg=disk"}
	write := func(text string) {
		if err := os.WriteFile(b.logPath, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(calm)
	if err := b.complaints(); err != nil {
		t.Errorf("complains of %v", err)
	}
	for _, line := range loud {
		write(calm + line + "\n")
		if err := b.complaints(); err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%s: got %v", line, err)
		}
	}
}

func TestSuitesAreChosenByName(t *testing.T) {
	names := func(o options) string {
		list, err := chosen(o)
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, s := range list {
			all = append(all, s.name)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		o    options
		want string
	}{
		{options{}, "kafka-tools java python kafka-3.9 kcat kafkajs dump-log restart three-python three-java three-kcat three-kafkajs upgrade moves membership leaders logdirs racks cluster-tls client-tls auto-address"},
		{options{broker: "b:1"}, "kafka-tools java python kafka-3.9 kcat kafkajs"},
		{options{suites: []string{"kcat"}}, "kcat"},
		{options{suites: []string{"racks"}, broker: "b:1"}, "racks"},
		{options{suites: []string{"restart"}}, "kafka-tools restart"},
		{options{suites: []string{"dump-log"}, dataDir: "d"}, "dump-log"},
	} {
		if got := names(c.o); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.o, got, c.want)
		}
	}
	for _, o := range []options{{suites: []string{"nothing"}}, {suites: []string{"dump-log"}, broker: "b:1"}} {
		if _, err := chosen(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}
