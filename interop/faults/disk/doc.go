//go:build linux

// Package disk is a file system that can lose its power: it knows of every file and
// every directory what has been synced, and takes back the rest when it is told to.
// It can also be full, and fail to sync. Package mount shows it to processes.
//
// It is as strict as POSIX lets a file system be. A sync of a file makes its content
// and length durable, and not its name; a sync of a directory makes durable the names
// in it, and nothing below them. Of what was not synced a loss of power takes
// nothing, all, the end, or pages here and there, as a seed decides.
//
// Contents are files of a directory, by number, and hold what processes see; each has
// a journal in memory of how to go back to what was synced. Names are in memory only.
// Nothing is ever synced for good: the machine below keeps its power.
//
// Methods may be called concurrently. Lock order: Disk.mu → content.mu.
package disk
