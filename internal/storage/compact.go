package storage

import "github.com/chronik/chronik/internal/model"

// Cleanable tells how much of the log waits for the cleaner.
func (l *Log) Cleanable(now model.Timestamp, end model.Offset) (Cleanable, error) {
	return Cleanable{}, nil
}

// Clean removes records whose keys have newer ones.
func (l *Log) Clean(o CleanOptions) (Cleaned, error) { return Cleaned{}, nil }
