package nodes

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Settle writes back what the nodes have written, and has the system forget it in memory.
// Files that a node removes meanwhile are none of its business.
func (n *nodes) Settle(ctx context.Context) error {
	return filepath.WalkDir(n.Dir, func(path string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil && e.Type().IsRegular() {
			err = settle(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func settle(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), forget(f), f.Close())
}
