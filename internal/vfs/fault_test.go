package vfs

import (
	"errors"
	"syscall"
	"testing"
)

func TestFaultyFailsTheOperationItIsTold(t *testing.T) {
	syncs := 0
	fsys := NewFaulty(NewMem(), func(op Op) error {
		if op.Kind == OpSyncData {
			if syncs++; syncs == 2 {
				return syscall.EIO
			}
		}
		return nil
	})
	f, err := fsys.Create("f")
	mustOpen(t, f, err)
	writeAt(t, f, "a", 0)
	must(t, f.SyncData())
	wantError(t, "second sync", f.SyncData(), syscall.EIO)
	must(t, f.SyncData())
}

func TestFaultyWritesShort(t *testing.T) {
	mem := NewMem()
	fsys := NewFaulty(mem, func(op Op) error {
		if op.Kind == OpWrite && op.Offset+op.Size > 10 {
			return &ShortError{Bytes: int(10 - op.Offset), Err: syscall.ENOSPC}
		}
		return nil
	})
	f, err := fsys.Create("f")
	mustOpen(t, f, err)
	writeAt(t, f, "12345678", 0)
	n, err := f.WriteAt([]byte("abcd"), 8)
	if n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write: %d, %v; want 2 bytes and ENOSPC", n, err)
	}
	if got := contentOf(t, mem, "f"); got != "12345678ab" {
		t.Errorf("the file has %q", got)
	}
}

func TestFaultyTellsEveryOperation(t *testing.T) {
	var ops []Op
	fsys := NewFaulty(NewMem(), func(op Op) error { ops = append(ops, op); return nil })
	f, err := fsys.Create("f")
	must(t, err)
	writeAt(t, f, "abc", 7)
	must(t, f.Truncate(2))
	must(t, f.Close())
	must(t, fsys.Rename("f", "g"))
	want := []Op{
		{Kind: OpCreate, Name: "f"},
		{Kind: OpWrite, Name: "f", Offset: 7, Size: 3},
		{Kind: OpTruncate, Name: "f", Size: 2},
		{Kind: OpClose, Name: "f"},
		{Kind: OpRename, Name: "f", NewName: "g"},
	}
	if len(ops) != len(want) {
		t.Fatalf("operations: %+v", ops)
	}
	for i := range want {
		if ops[i] != want[i] {
			t.Errorf("operation %d is %+v, want %+v", i, ops[i], want[i])
		}
	}
}
