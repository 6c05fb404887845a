//go:build !plant

package main

import "github.com/chronik/chronik/internal/plant"

// switchOn plants nothing: this build has no bugs to plant, and parse has said so.
func switchOn(plant.Bug) {}
