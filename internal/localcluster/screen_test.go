package localcluster

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestLinesAreWholeAndNamed(t *testing.T) {
	var out bytes.Buffer
	s := &screen{lines: &out}
	w := &lineWriter{line: func(text []byte) { s.line(2, text) }}
	for _, part := range []string{"a\nb", "c\r\n\nd", "", "\n", "end"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("%d bytes of %q, %v", n, part, err)
		}
	}
	w.end()
	w.end()
	if want := "node 2 | a\nnode 2 | bc\nnode 2 | \nnode 2 | d\nnode 2 | end\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	s.colors = true
	s.line(1, []byte("x"))
	if want := "\x1b[36mnode 1 | \x1b[0mx\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func FuzzLineWriter(f *testing.F) {
	f.Add([]byte("a\r\nb"), 1)
	f.Add(bytes.Repeat([]byte{'x'}, 3*lineBytesMax), 1000)
	f.Fuzz(func(t *testing.T, text []byte, step int) {
		if step < 1 {
			return
		}
		var got []byte
		w := &lineWriter{line: func(line []byte) {
			if len(line) > lineBytesMax+step || bytes.IndexByte(line, '\n') >= 0 {
				t.Fatalf("a line of %d bytes", len(line))
			}
			got = append(got, line...)
		}}
		for chunk := range slices.Chunk(text, step) {
			_, _ = w.Write(chunk)
		}
		w.end()
		plain := func(b []byte) string { return strings.NewReplacer("\r", "", "\n", "").Replace(string(b)) }
		if plain(got) != plain(text) {
			t.Fatalf("got %q of %q", got, text)
		}
	})
}

func TestEachNodeIsToldOfTheOthers(t *testing.T) {
	p := Plan{Nodes: 3, KafkaPort: 9092, DataDir: "./my data", Arguments: []string{"--override", "a=it's"}}
	want := `chronik-server --node-id 2 --advertised-addr localhost --kafka-port 9093 --data-dir 'my data/node2' --override 'a=it'\''s'` +
		` raft-cluster --raft-addr localhost:9193 --bootstrap --peers 1@localhost:9192,3@localhost:9194`
	if got := commandLine("chronik-server", p.arguments(2)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	p = Plan{Nodes: 1, KafkaPort: 9092, DataDir: "d"}
	if got := p.arguments(1); slices.Contains(got, "--peers") {
		t.Errorf("one node has peers: %q", got)
	}
}
