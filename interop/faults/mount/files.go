//go:build linux

package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/chronik/chronik/interop/faults/disk"
)

// files answers the kernel.
type files struct {
	fuse.RawFileSystem // says that the rest is not there
	disk               *disk.Disk
	listings           listings
}

func newFiles(d *disk.Disk) *files {
	return &files{RawFileSystem: fuse.NewDefaultRawFileSystem(), disk: d}
}

func fill(out *fuse.Attr, a disk.Attributes) {
	out.Ino, out.Mode, out.Nlink, out.Size = a.ID, a.Mode, uint32(a.Links), uint64(a.Size)
	out.Blksize, out.Blocks = 4096, uint64(a.Size+511)/512
	out.Owner = fuse.Owner{Uid: a.UID, Gid: a.GID}
	out.SetTimes(&a.Modified, &a.Modified, &a.Modified)
}

// entry answers with a node, or why there is none.
func entry(out *fuse.EntryOut, a disk.Attributes, err error) fuse.Status {
	if err != nil {
		return fuse.ToStatus(err)
	}
	out.NodeId, out.Generation = a.ID, 1
	out.SetEntryTimeout(cached)
	out.SetAttrTimeout(cached)
	fill(&out.Attr, a)
	return fuse.OK
}

func attributes(out *fuse.AttrOut, a disk.Attributes, err error) fuse.Status {
	if err != nil {
		return fuse.ToStatus(err)
	}
	out.SetTimeout(cached)
	fill(&out.Attr, a)
	return fuse.OK
}

func (f *files) Lookup(_ <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	a, err := f.disk.Lookup(in.NodeId, name)
	return entry(out, a, err)
}

func (f *files) Forget(id, lookups uint64) { f.disk.Forget(id, lookups) }

func (f *files) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	a, err := f.disk.Stat(in.NodeId)
	return attributes(out, a, err)
}

func (f *files) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	var c disk.Change
	if mode, ok := in.GetMode(); ok {
		c.Mode = &mode
	}
	if uid, ok := in.GetUID(); ok {
		c.UID = &uid
	}
	if gid, ok := in.GetGID(); ok {
		c.GID = &gid
	}
	if size, ok := in.GetSize(); ok {
		signed := int64(size)
		c.Size = &signed
	}
	if modified, ok := in.GetMTime(); ok {
		c.Modified = &modified
	}
	a, err := f.disk.SetAttributes(in.NodeId, c)
	return attributes(out, a, err)
}

func (f *files) make(in *fuse.InHeader, name string, mode uint32, out *fuse.EntryOut) fuse.Status {
	a, err := f.disk.Make(in.NodeId, name, disk.Made{Mode: mode, UID: in.Uid, GID: in.Gid})
	return entry(out, a, err)
}

func (f *files) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	return f.make(&in.InHeader, name, in.Mode, out)
}

func (f *files) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return f.make(&in.InHeader, name, in.Mode&^syscall.S_IFMT|syscall.S_IFDIR, out)
}

func (f *files) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return f.make(&in.InHeader, name, in.Mode&^syscall.S_IFMT|syscall.S_IFREG, &out.EntryOut)
}

func (f *files) Symlink(_ <-chan struct{}, in *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	a, err := f.disk.Make(in.NodeId, name, disk.Made{Mode: syscall.S_IFLNK | 0o777, UID: in.Uid, GID: in.Gid, Target: target})
	return entry(out, a, err)
}

func (f *files) Readlink(_ <-chan struct{}, in *fuse.InHeader) ([]byte, fuse.Status) {
	target, err := f.disk.Readlink(in.NodeId)
	return []byte(target), fuse.ToStatus(err)
}

func (f *files) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	a, err := f.disk.Link(in.Oldnodeid, in.NodeId, name)
	return entry(out, a, err)
}

func (f *files) Unlink(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return fuse.ToStatus(f.disk.Remove(in.NodeId, name, false))
}

func (f *files) Rmdir(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return fuse.ToStatus(f.disk.Remove(in.NodeId, name, true))
}

func (f *files) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	const noReplace = 1 // RENAME_NOREPLACE
	if in.Flags&^noReplace != 0 {
		return fuse.EINVAL
	}
	err := f.disk.Rename(disk.Place{Dir: in.NodeId, Name: from}, disk.Place{Dir: in.Newdir, Name: to}, in.Flags&noReplace != 0)
	return fuse.ToStatus(err)
}

func (f *files) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	if in.Flags&syscall.O_TRUNC == 0 {
		return fuse.OK
	}
	_, err := f.disk.SetAttributes(in.NodeId, disk.Change{Size: new(int64)})
	return fuse.ToStatus(err)
}

func (f *files) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n, err := f.disk.Read(in.NodeId, buf[:min(len(buf), int(in.Size))], int64(in.Offset))
	if err != nil {
		return nil, fuse.ToStatus(err)
	}
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

func (f *files) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	n, err := f.disk.Write(in.NodeId, data, int64(in.Offset))
	return uint32(n), fuse.ToStatus(err)
}

// Flush is of a descriptor that is closed; nothing is held back here.
func (f *files) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

func (f *files) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return fuse.ToStatus(f.disk.Sync(in.NodeId))
}

func (f *files) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return fuse.ToStatus(f.disk.SyncDir(in.NodeId))
}

func (f *files) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE
	if in.Mode&^keepSize != 0 {
		return fuse.Status(syscall.EOPNOTSUPP)
	}
	return fuse.ToStatus(f.disk.Allocate(in.NodeId, int64(in.Offset+in.Length), in.Mode == keepSize))
}

func (f *files) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const blockBytes, blocks = 4096, 1 << 28 // 1 TiB
	free, limited := f.disk.Free()
	if !limited {
		free = blocks * blockBytes
	}
	*out = fuse.StatfsOut{Bsize: blockBytes, Frsize: blockBytes, NameLen: 255, Blocks: blocks,
		Bfree: uint64(free / blockBytes), Bavail: uint64(free / blockBytes), Files: 1 << 20, Ffree: 1 << 20}
	return fuse.OK
}
