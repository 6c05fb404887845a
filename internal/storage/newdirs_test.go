package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

func newDirs(count int) []NewDir {
	dirs := make([]NewDir, count)
	for i := range dirs {
		dirs[i] = NewDir{Name: fmt.Sprint("t-", i), Topic: model.NewUUID()}
	}
	return dirs
}

func newDirsDisk(t *testing.T, files vfs.FS) *Disk {
	t.Helper()
	if err := vfs.MkdirAllSynced(files, "data"); err != nil {
		t.Fatal(err)
	}
	return NewDisk(DiskOptions{FS: files, Dir: "data", Logger: slog.New(slog.DiscardHandler)})
}

// What MakeDirs has made survives a power loss, be it one or many.
func TestNewDirectoriesAreDurable(t *testing.T) {
	for _, count := range []int{1, 2, togetherMin, 3 * togetherMin} {
		mem := vfs.NewMem()
		dirs := newDirs(count)
		if err := newDirsDisk(t, mem).MakeDirs(dirs); err != nil {
			t.Fatal(err)
		}
		after := mem.Crash()
		for _, d := range dirs {
			if id, err := ReadTopicID(after, filepath.Join("data", d.Name)); err != nil || id != d.Topic {
				t.Fatalf("of %d: %s is of %s, %v", count, d.Name, id, err)
			}
		}
	}
}

// Many share the syncs.
func TestManyNewDirectoriesTakeTwoSyncs(t *testing.T) {
	var syncs []vfs.OpKind
	files := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op) error {
		if slices.Contains([]vfs.OpKind{vfs.OpSync, vfs.OpSyncData, vfs.OpSyncDir, vfs.OpSyncVolume}, op.Kind) {
			syncs = append(syncs, op.Kind)
		}
		return nil
	})
	d := newDirsDisk(t, files)
	syncs = nil
	if err := d.MakeDirs(newDirs(10 * togetherMin)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(syncs, []vfs.OpKind{vfs.OpSyncVolume, vfs.OpSyncVolume}) {
		t.Errorf("%d syncs: %v", len(syncs), syncs)
	}
}

// A crash anywhere leaves a partition.metadata that is whole, or none; the directories can
// be made again.
func TestACrashWhileDirectoriesAreMadeLeavesNoHalfOnes(t *testing.T) {
	errCrash := errors.New("crash")
	for at := 0; ; at++ {
		mem, operations := vfs.NewMem(), -1
		files := vfs.NewFaulty(mem, func(vfs.Op) error {
			if operations >= 0 {
				operations++
			}
			if operations > at {
				return errCrash
			}
			return nil
		})
		dirs := newDirs(togetherMin)
		d := newDirsDisk(t, files)
		operations = 0
		err := d.MakeDirs(dirs)
		for seed := range uint64(3) {
			after := mem.CrashClone(rand.New(rand.NewPCG(seed, uint64(at))), vfs.CrashOptions{NameLoss: 0.5, DataLoss: 0.5})
			for _, d := range dirs {
				id, err := ReadTopicID(after, filepath.Join("data", d.Name))
				if !errors.Is(err, fs.ErrNotExist) && (err != nil || id != d.Topic) {
					t.Fatalf("after %d operations: %s is of %s, %v", at, d.Name, id, err)
				}
			}
			if err := newDirsDisk(t, after).MakeDirs(dirs); err != nil {
				t.Fatalf("after %d operations: %v", at, err)
			}
		}
		if err == nil {
			return
		}
	}
}

// A failed sync is final.
func TestAFailedSyncOfNewDirectoriesFencesTheDisk(t *testing.T) {
	files := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpSyncVolume {
			return errors.New("input/output error")
		}
		return nil
	})
	d := newDirsDisk(t, files)
	if err := d.MakeDirs(newDirs(togetherMin)); !errors.Is(err, ErrFenced) || d.Err() == nil {
		t.Errorf("%v, %v", err, d.Err())
	}
}
