// Package storage holds one partition's log on disk.
package storage
