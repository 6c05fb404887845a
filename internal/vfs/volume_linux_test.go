package vfs

import (
	"errors"
	"testing"
)

func TestKernelReleases(t *testing.T) {
	for release, want := range map[string]bool{
		"5.8.0": true, "5.7.19-generic": false, "6.1.0-18-amd64": true, "5.10.0-rc1+": true, "4.19.0": false, "": false, "next": false, "5": false,
	} {
		if releaseAtLeast(release, 5, 8) != want {
			t.Errorf("%q", release)
		}
	}
}

func TestTheSystemsVolume(t *testing.T) {
	dir := t.TempDir()
	v, err := OS().Volume(dir)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("%s: %v", dir, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(v.Sync(), v.Close()); err != nil {
		t.Error(err)
	}
	if _, err := OS().Volume("/proc"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("/proc: %v", err)
	}
}
