//go:build plant

package main

import "github.com/chronik/chronik/internal/plant"

// switchOn plants a bug; "" plants none.
func switchOn(b plant.Bug) { plant.Switch(b) }
