//go:build race

package server

// raceEnabled: the detector's own memory makes measurements meaningless.
const raceEnabled = true
