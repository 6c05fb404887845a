package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/wire"
)

// submit has the controller carry out a command, whose result is an R. An error
// that is not for the client becomes a retriable one.
func submit[R any](ctx context.Context, c Controller, command controller.Command) (R, error) {
	var none R
	result, err := c.Submit(ctx, command)
	if err != nil {
		return none, controllerError(err)
	}
	typed, ok := result.(R)
	if !ok {
		return none, fmt.Errorf("%s gave a %T", command.Name(), result)
	}
	return typed, nil
}

func controllerError(err error) error {
	var own *wire.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.DeadlineExceeded):
		return wire.Errorf(kerr.RequestTimedOut, "the controller did not answer in time; the change may still happen")
	}
	return wire.Errorf(kerr.NotController, "the controller is not available at this moment: %s", err)
}

// withTimeout bounds a request by the timeout it carries.
func withTimeout(ctx context.Context, millis int32) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Duration(max(millis, 0))*time.Millisecond)
}
