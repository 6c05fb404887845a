package main

import (
	"encoding/json"
	"os"
	"strings"
)

// errorsLogged are the lines of a log that tell of an error.
func errorsLogged(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); tellsOfError(line) {
			found = append(found, line)
		}
	}
	return found, nil
}

// tellsOfError reports whether a line of a node's log has a level that is an error's:
// JSON of chronik's, or of Kafka's with the level in front. What chronik writes past its
// logger is a panic; Kafka's other lines are warnings and what follows them.
func tellsOfError(line string) bool {
	var entry struct{ Level string }
	if json.Unmarshal([]byte(line), &entry) == nil {
		return entry.Level == "ERROR"
	}
	for _, begin := range []string{"ERROR ", "FATAL ", "panic:", "fatal error:", "runtime:", "SIG"} {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}
