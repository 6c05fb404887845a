//go:build linux

package mount

import (
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/chronik/chronik/interop/faults/disk"
)

// listings are the directories that processes are reading, each as it was when it was
// opened: names that come and go meanwhile do not shift the others.
type listings struct {
	mu   sync.Mutex
	last uint64
	open map[uint64][]disk.Entry
}

func (l *listings) add(list []disk.Entry) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[uint64][]disk.Entry{}
	}
	l.last++
	l.open[l.last] = list
	return l.last
}

func (l *listings) get(handle uint64) []disk.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[handle]
}

func (l *listings) drop(handle uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, handle)
}

func (f *files) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	list, err := f.disk.List(in.NodeId)
	if err != nil {
		return fuse.ToStatus(err)
	}
	self := []disk.Entry{{Name: ".", ID: in.NodeId, Mode: syscall.S_IFDIR}, {Name: "..", ID: in.NodeId, Mode: syscall.S_IFDIR}}
	out.Fh = f.listings.add(append(self, list...))
	return fuse.OK
}

func (f *files) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	list := f.listings.get(in.Fh)
	for at := in.Offset; at < uint64(len(list)); at++ {
		if !out.AddDirEntry(fuse.DirEntry{Name: list[at].Name, Ino: list[at].ID, Mode: list[at].Mode, Off: at + 1}) {
			break
		}
	}
	return fuse.OK
}

func (f *files) ReleaseDir(in *fuse.ReleaseIn) { f.listings.drop(in.Fh) }
