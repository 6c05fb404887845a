package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/model"
)

func TestJSONLinesHoldWhatAPersonWouldWrite(t *testing.T) {
	var out bytes.Buffer
	newLogger(&out, config.Logging{Format: config.LogJSON}).Info("m",
		"took", 5*time.Millisecond, "partition", model.TopicPartition{Topic: "t", Partition: 2},
		"error", errors.New("no"), "n", model.Offset(7))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"level": "INFO", "msg": "m", "took": "5ms", "partition": "t-2", "error": "no", "n": 7.0}
	for key, value := range want {
		if line[key] != value {
			t.Errorf("%s is %v, want %v", key, line[key], value)
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, line[slog.TimeKey].(string)); err != nil || time.Since(at) > time.Hour {
		t.Errorf("time is %v", line[slog.TimeKey])
	}
}
