// Command schemagen writes internal/wire's table of request layouts from the
// protocol schemas inside a kafka-clients jar. What it takes from them are
// facts: which field has which type, in which versions it is there, may be
// null, or is tagged. The sizes are those of kmsg's structs, which is what the
// table's user needs to know the cost of decoding.
//
// It is run by hand, from the module's root, when Kafka or kmsg has moved:
//
//	go run ./internal/wire/schemagen -jar PATH/kafka-clients-4.3.1.jar
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	jar := flag.String("jar", "", "the kafka-clients jar to read the schemas from")
	out := flag.String("out", "internal/wire/schema_gen.go", "the file to write")
	flag.Parse()
	if err := run(*jar, *out); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

func run(jar, out string) error {
	messages, err := readSchemas(jar)
	if err != nil {
		return err
	}
	t, err := build(messages)
	if err != nil {
		return err
	}
	source, err := t.format(filepath.Base(jar))
	if err != nil {
		return err
	}
	return os.WriteFile(out, source, 0o644)
}
