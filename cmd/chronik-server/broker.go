package main

import (
	"errors"
	"log/slog"

	"github.com/chronik/chronik/internal/config"
)

// newBroker builds the broker.
func newBroker(*config.Config, *slog.Logger) (node, error) {
	return nil, errors.New("this build has no broker")
}
