package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// message is one of Kafka's protocol schemas.
type message struct {
	APIKey           int16        `json:"apiKey"`
	Type             string       `json:"type"`
	Name             string       `json:"name"`
	Listeners        []string     `json:"listeners"`
	ValidVersions    string       `json:"validVersions"`
	FlexibleVersions string       `json:"flexibleVersions"`
	Fields           []definition `json:"fields"`
	CommonStructs    []definition `json:"commonStructs"`
}

// definition is a field, or one of a message's common structs.
type definition struct {
	Name             string       `json:"name"`
	Type             string       `json:"type"`
	Versions         string       `json:"versions"`
	NullableVersions string       `json:"nullableVersions"`
	TaggedVersions   string       `json:"taggedVersions"`
	FlexibleVersions string       `json:"flexibleVersions"`
	Tag              *int         `json:"tag"`
	Fields           []definition `json:"fields"`
}

// readSchemas reads the requests that Kafka serves on a broker's listener,
// by key.
func readSchemas(jar string) ([]message, error) {
	archive, err := zip.OpenReader(jar)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", jar, err)
	}
	defer archive.Close() //nolint:errcheck // it was only read
	var out []message
	for _, file := range archive.File {
		if ok, _ := path.Match("common/message/*Request.json", file.Name); !ok {
			continue
		}
		m, err := readSchema(file)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.Name, err)
		}
		if m.Type == "request" && m.ValidVersions != "none" && slices.Contains(m.Listeners, "broker") {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no request schemas", jar)
	}
	slices.SortFunc(out, func(a, b message) int { return int(a.APIKey) - int(b.APIKey) })
	return out, nil
}

func readSchema(file *zip.File) (message, error) {
	r, err := file.Open()
	if err != nil {
		return message{}, err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return message{}, err
	}
	var m message
	err = json.Unmarshal(withoutComments(text), &m)
	return m, err
}

// withoutComments drops the lines that are comments, which is the only place
// where the schemas have any.
func withoutComments(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("//")) {
			out = append(out, line...)
		}
	}
	return out
}

// versions is an inclusive range of versions; it is empty where first > last.
type versions struct{ first, last int }

// versionMax stands for "and all later ones".
const versionMax = 127

var noVersions = versions{first: versionMax, last: -1}

func parseVersions(text string) (versions, error) {
	if text == "" || text == "none" {
		return noVersions, nil
	}
	if from, ok := strings.CutSuffix(text, "+"); ok {
		first, err := strconv.Atoi(from)
		return versions{first, versionMax}, err
	}
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		to = from
	}
	first, err := strconv.Atoi(from)
	if err != nil {
		return noVersions, err
	}
	last, err := strconv.Atoi(to)
	return versions{first, last}, err
}
