package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// maxInput bounds any file that a client command reads.
const maxInput = 4 << 20

// printer writes a result for people, or with --json for machines.
type printer struct{ asJSON bool }

func (p *printer) flag(c *cobra.Command) {
	c.Flags().BoolVar(&p.asJSON, "json", false, "print one JSON object instead of text")
}

// print writes v as JSON, or else calls text.
func (p *printer) print(c *cobra.Command, v any, text func(w io.Writer)) error {
	w := c.OutOrStdout()
	if !p.asJSON {
		text(w)
		return nil
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// readInput reads a bounded file, or standard input for "-".
func readInput(path string) ([]byte, error) { return readFile(path, maxInput) }

// readFile is readInput with a limit of its own.
func readFile(path string, limit int64) ([]byte, error) {
	if path == "-" {
		return readAll(os.Stdin, path, limit)
	}
	return readBounded(path, limit)
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, path, limit)
}

func readAll(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: larger than the limit of %d bytes", name, limit)
	}
	return data, err
}
