package rot

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Damage is one file that is no longer what it was.
type Damage struct {
	Path string // below the directory that was damaged
	At   int64  // the first byte of it
	How  string
}

// String is a phrase.
func (d Damage) String() string { return fmt.Sprintf("%s: %s at %d", d.Path, d.How, d.At) }

// FlipBits flips one bit each in some files of partitions below dir, most of them logs.
func FlipBits(dir string, seed uint64) ([]Damage, error) {
	return damage(dir, seed, func(f *os.File, size int64, rng *rand.Rand) (Damage, error) {
		at, bit := rng.Int64N(size), rng.IntN(8)
		var b [1]byte
		if _, err := f.ReadAt(b[:], at); err != nil {
			return Damage{}, err
		}
		b[0] ^= 1 << bit
		_, err := f.WriteAt(b[:], at)
		return Damage{At: at, How: fmt.Sprintf("bit %d flipped", bit)}, err
	})
}

// Truncate cuts some files of partitions below dir off.
func Truncate(dir string, seed uint64) ([]Damage, error) {
	return damage(dir, seed, func(f *os.File, size int64, rng *rand.Rand) (Damage, error) {
		at := rng.Int64N(size)
		return Damage{At: at, How: fmt.Sprintf("cut from %d bytes", size)}, f.Truncate(at)
	})
}

// filesMax is how many files are damaged at most.
const filesMax = 5

func damage(dir string, seed uint64, do func(*os.File, int64, *rand.Rand) (Damage, error)) ([]Damage, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	logs, others, err := files(dir)
	if err != nil {
		return nil, err
	}
	var done []Damage
	for range 1 + rng.IntN(filesMax) {
		from := &logs
		if len(logs) == 0 || len(others) > 0 && rng.IntN(4) == 0 {
			from = &others
		}
		if len(*from) == 0 {
			continue
		}
		i := rng.IntN(len(*from))
		path := (*from)[i]
		*from = slices.Delete(*from, i, i+1)
		d, err := damageFile(filepath.Join(dir, path), rng, do)
		if err != nil {
			return done, err
		}
		d.Path = path
		done = append(done, d)
	}
	return done, nil
}

func damageFile(path string, rng *rand.Rand, do func(*os.File, int64, *rand.Rand) (Damage, error)) (Damage, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return Damage{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Damage{}, err
	}
	d, err := do(f, info.Size(), rng)
	return d, errors.Join(err, f.Sync())
}

// files are those of partitions that are not empty, by name: the logs, and what is beside
// them.
func files(dir string) (logs, others []string, err error) {
	partition := regexp.MustCompile(`-\d+$`)
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		below, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		parent := filepath.Base(filepath.Dir(path))
		info, err := entry.Info()
		switch {
		case err != nil:
			return err
		case info.Size() == 0 || !partition.MatchString(parent) || strings.HasPrefix(parent, "__cluster_metadata"):
		case filepath.Ext(path) == ".log":
			logs = append(logs, below)
		default:
			others = append(others, below)
		}
		return nil
	})
	return logs, others, err
}
