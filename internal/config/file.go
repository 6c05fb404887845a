package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/magiconair/properties"
)

// fileBytesMax bounds a configuration file. Kafka's longest have a few hundred
// lines; whoever names a log or a core dump by mistake should hear so at once.
const fileBytesMax = 1 << 20

// readFile reads a server.properties file.
func readFile(path string) (layer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, openError(path, err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	text, err := io.ReadAll(io.LimitReader(f, fileBytesMax+1))
	if err != nil {
		return nil, openError(path, err)
	}
	if len(text) > fileBytesMax {
		return nil, fmt.Errorf("configuration file %s is larger than %d bytes; is it the right one?", path, fileBytesMax)
	}
	return parseProperties(filepath.Base(path), text)
}

func openError(path string, err error) error {
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Errorf("configuration file %s cannot be read: %w", path, err)
}

// parseProperties reads Java's format. ${} is text, as in Kafka's own files.
func parseProperties(file string, text []byte) (layer, error) {
	p, err := loadProperties(text)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s is not in the format name=value: %w", file, err)
	}
	lines := lineNumbers(text)
	l := make(layer, p.Len())
	for _, name := range p.Keys() {
		v, _ := p.Get(name)
		origin := file
		if n, ok := lines[name]; ok {
			origin = fmt.Sprintf("%s:%d", file, n)
		}
		l[name] = value{Text: v, Origin: origin, Rank: fromFile}
	}
	return l, nil
}

func loadProperties(text []byte) (*properties.Properties, error) {
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	return loader.LoadBytes(text)
}

// lineNumbers finds the line of each name, from 1; of several, the last, since
// it is the one that counts. The parser does not tell, so each line that
// begins a definition is parsed again by itself.
func lineNumbers(text []byte) map[string]int {
	numbers := make(map[string]int)
	continued := false
	for i, line := range slices.Collect(bytes.Lines(text)) {
		line = bytes.TrimRight(line, "\r\n")
		begins := !continued
		backslashes := len(line) - len(bytes.TrimRight(line, `\`))
		continued = backslashes%2 == 1
		if !begins {
			continue
		}
		p, err := loadProperties(bytes.TrimSuffix(line, []byte(`\`)))
		if err != nil {
			continue
		}
		for _, name := range p.Keys() {
			numbers[name] = i + 1
		}
	}
	return numbers
}
