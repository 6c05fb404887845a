package rot

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes a data directory, and returns what is in its files.
func tree(t *testing.T) (dir string, content func() map[string][]byte) {
	t.Helper()
	dir = t.TempDir()
	for _, path := range []string{"topic-0/0.log", "topic-0/0.index", "topic-1/0.log", "__consumer_offsets-3/0.log", "meta.properties", "__cluster_metadata-0/0.log"} {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, bytes.Repeat([]byte("x"), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, func() map[string][]byte {
		found := map[string][]byte{}
		files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range append(files, filepath.Join(dir, "meta.properties")) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[strings.TrimPrefix(path, dir+"/")] = data
		}
		return found
	}
}

// TestFilesOfPartitionsRot damages many trees, and finds what was said and nothing else.
func TestFilesOfPartitionsRot(t *testing.T) {
	for name, do := range map[string]func(string, uint64) ([]Damage, error){"flips": FlipBits, "cuts": Truncate} {
		t.Run(name, func(t *testing.T) {
			touched := map[string]bool{}
			for seed := range uint64(40) {
				dir, content := tree(t)
				before := content()
				done, err := do(dir, seed)
				if err != nil || len(done) == 0 {
					t.Fatalf("%v, %v", done, err)
				}
				after := content()
				for _, d := range done {
					if touched[d.Path] = true; bytes.Equal(before[d.Path], after[d.Path]) {
						t.Errorf("seed %d: nothing happened to %s", seed, d)
					}
					if got, want := after[d.Path][:d.At], before[d.Path][:d.At]; !bytes.Equal(got, want) {
						t.Errorf("seed %d: %s: and something before", seed, d)
					}
					delete(before, d.Path)
					delete(after, d.Path)
				}
				if !maps.EqualFunc(before, after, bytes.Equal) {
					t.Errorf("seed %d: more than %v", seed, done)
				}
			}
			if len(touched) != 4 || touched["meta.properties"] || touched["__cluster_metadata-0/0.log"] {
				t.Errorf("touched %v", touched)
			}
		})
	}
}

func TestNothingThereCannotRot(t *testing.T) {
	if done, err := FlipBits(t.TempDir(), 1); len(done) > 0 || err != nil {
		t.Errorf("%v, %v", done, err)
	}
}
