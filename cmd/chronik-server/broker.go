package main

import (
	"log/slog"

	"github.com/chronik/chronik/internal/broker"
	"github.com/chronik/chronik/internal/config"
)

// newBroker builds the broker.
func newBroker(c *config.Config, logger *slog.Logger) (node, error) {
	b, err := broker.New(broker.Options{Config: c, Logger: logger})
	if err != nil {
		return nil, err
	}
	return b, nil
}
