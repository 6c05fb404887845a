// Package config turns flags, environment variables and a server.properties
// file into one typed Config. It is the only reader of all three: whatever else
// needs a value is given it.
//
// Nearest wins: flags, then environment, then file, then the defaults of
// package settings. Where a value came from is kept, and named in errors; an
// error is one sentence that says what to do.
//
// It starts no goroutine and holds no lock. Nothing below it may import it.
package config
