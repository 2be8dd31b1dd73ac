package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
)

// hardening is what a process that has no config.json does to protect itself, by its flags.
type hardening struct {
	explain bool
	relax   []string
	taken   *node.Hardening
}

func (h *hardening) flags(c *cobra.Command) {
	c.Flags().BoolVar(&h.explain, "explain-hardening", false, "say how the process is protected here, and end")
	c.Flags().StringArrayVar(&h.relax, "relax", nil, "leave out a measure that protects the process, as MEASURE=REASON; may be given more than once")
}

// begin takes the measures that protect the memory: before any key is read.
func (h *hardening) begin() (err error) {
	relaxed := map[string]string{}
	for _, word := range h.relax {
		name, reason, _ := strings.Cut(word, "=")
		relaxed[name] = reason
	}
	h.taken, err = node.Harden(relaxed)
	return err
}

// confine takes the others: once all is open that stays so.
func (h *hardening) confine(folders, services []string, log *slog.Logger) error {
	return h.taken.ConfineTo(folders, nil, services, log)
}

func printMeasures(c *cobra.Command, p *printer, h *node.Hardening) error {
	return p.print(c, h.Measures, func(w io.Writer) {
		for _, m := range h.Measures {
			fmt.Fprintf(w, "%-16s %s\n  %s\n", m.Name, m.State, m.Does)
			if m.Why != "" {
				fmt.Fprintf(w, "  why: %s\n", m.Why)
			}
			fmt.Fprintf(w, "  check: %s\n", m.Check)
		}
	})
}
