package vfs

import "errors"

// ErrLocked is what Lock says of a file that another holds.
var ErrLocked = errors.New("held by another process")
