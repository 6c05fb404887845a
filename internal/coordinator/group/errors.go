package group

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/coordinator"
)

// codeOf is the Kafka error for what the runtime or the machine refuses with.
// Only what cannot pass by itself is an error that clients do not retry.
func codeOf(err error) *kerr.Error {
	var code *kerr.Error
	switch {
	case errors.As(err, &code):
		return code
	case errors.Is(err, coordinator.ErrNotLeader):
		return kerr.NotCoordinator
	case errors.Is(err, coordinator.ErrLoading):
		return kerr.CoordinatorLoadInProgress
	case errors.Is(err, coordinator.ErrTooLarge):
		// Kafka says UNKNOWN_SERVER_ERROR here; this one tells what to change.
		return kerr.MessageTooLarge
	}
	return kerr.CoordinatorNotAvailable
}
