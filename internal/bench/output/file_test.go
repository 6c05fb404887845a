package output

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestFilesAreWrittenAsAWhole: what fails leaves what was there before, and nothing else.
func TestFilesAreWrittenAsAWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	write := func(text string, failure error) error {
		return WriteFile(path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, failure)
		})
	}
	failure := errors.New("as planned")
	for _, step := range []struct {
		text, want string
		failure    error
	}{{"one", "one", nil}, {"half", "one", failure}, {"two", "two", nil}} {
		if err := CheckFile(path); err != nil {
			t.Fatal(err)
		}
		if err := write(step.text, step.failure); !errors.Is(err, step.failure) {
			t.Errorf("%s: %v", step.text, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != step.want {
			t.Errorf("%s: %q, %v", step.text, got, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestFilesThatCannotBe are known before there is anything to write.
func TestFilesThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "none", "report.html"), filepath.Join(file, "report.html")} {
		if err := CheckFile(path); err == nil {
			t.Errorf("%s can be written", path)
		}
		if err := WriteFile(path, func(io.Writer) error { return nil }); err == nil {
			t.Errorf("%s was written", path)
		}
	}
}
