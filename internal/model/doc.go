// Package model names the numbers that travel through chronik: a type each, so
// that an offset cannot be added to an epoch. It owns no state, starts no
// goroutine, and imports nothing of the project.
package model
