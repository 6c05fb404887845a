//go:build linux

package mount

import (
	"fmt"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/chronik/chronik/interop/faults/disk"
)

// Mount is a disk that processes can use.
type Mount struct {
	server *fuse.Server
}

// New mounts a disk on an empty directory. It takes root, and /dev/fuse.
func New(d *disk.Disk, dir string) (*Mount, error) {
	server, err := fuse.NewServer(newFiles(d), dir, &fuse.MountOptions{
		FsName: "faults", Name: "faults", AllowOther: true, DirectMountStrict: true,
		DisableXAttrs: true, DisableReadDirPlus: true,
		// Nobody else changes the files.
		ExplicitDataCacheControl: true,
		MaxWrite:                 1 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("mount on %s: %w", dir, err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, fmt.Errorf("mount on %s: %w", dir, err)
	}
	return &Mount{server: server}, nil
}

// Unmount takes the disk away from processes. No file may be open.
func (m *Mount) Unmount() error { return m.server.Unmount() }

// Detach takes away what is left on a directory by a process that died without
// unmounting. Where there is nothing, it does nothing.
func Detach(dir string) { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }

// cached is how long the kernel may go on without asking again: nobody changes a disk but
// through its one mount.
const cached = time.Hour
