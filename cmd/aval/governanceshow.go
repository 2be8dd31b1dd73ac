package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger"
)

// governanceFlags say under which policy and as of when a governance file is read.
type governanceFlags struct{ policy, asOf, newest string }

func (g *governanceFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&g.asOf, "as-of", "", "last moment of governance that counts: an index, a day or an instant; by default the end")
	c.Flags().StringVar(&g.newest, "newest", "", "file with the newest signed checkpoint known; the file or archive must not be older")
}

// open verifies the governance of a folder, a file, an archive or a node. Errors are *ledger.Fault, or failures to read.
func (g *governanceFlags) open(c *cobra.Command, r *remote, target string) (*ledger.Governance, error) {
	if isURL(target) {
		text, err := fetchGovernance(c, r, target)
		if err != nil {
			return nil, err
		}
		return g.read(bytes.NewReader(text))
	}
	info, err := os.Stat(target)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		folder, err := node.OpenFolder(target)
		if err != nil {
			return nil, err
		}
		return folder.Governance(nil)
	case isArchive(target):
		archive, err := (&archiveFlags{policy: g.policy, newest: g.newest}).archive(target)
		if err != nil {
			return nil, err
		}
		found, err := archive.Verify(c.Context())
		if err == nil && found.Governance == nil {
			err = fmt.Errorf("%s was exported without governance", target)
		}
		return found.Governance, err
	}
	return g.file(target)
}

// file verifies a governance file.
func (g *governanceFlags) file(path string) (*ledger.Governance, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return g.read(file)
}

func (g *governanceFlags) read(file io.Reader) (*ledger.Governance, error) {
	policy, err := readPolicy(g.policy)
	if err != nil {
		return nil, err
	}
	found, err := node.OpenGovernance(policy, file)
	if err != nil || g.newest == "" {
		return found, err
	}
	signed, err := readInput(g.newest)
	if err != nil {
		return nil, err
	}
	known, err := ledger.OpenCheckpoint(policy.LogOnly(), signed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.newest, err)
	}
	return found, found.NotBefore(known)
}

func fetchGovernance(c *cobra.Command, r *remote, url string) (text []byte, err error) {
	r.url = url
	err = r.read(c, func(ctx context.Context, reader *client.Client) error {
		text, err = reader.Get(ctx, "/v1/governance")
		return err
	})
	return text, err
}

// exportGovernance writes a governance file: what a folder gives is verified by then, what a node gives if a policy is named.
func exportGovernance(c *cobra.Command, p *printer, g *governanceFlags, r *remote, target, out string) error {
	if g.asOf != "" {
		return errors.New("--as-of does not go with --export: the file is of the whole log")
	}
	size, err := 0, error(nil)
	if isURL(target) {
		var text []byte
		if text, err = fetchGovernance(c, r, target); err == nil && g.policy != "" {
			_, err = g.read(bytes.NewReader(text))
		}
		if err == nil {
			size, err = len(text), node.WriteGovernance(out, text)
		}
	} else {
		var folder *node.Folder
		if folder, err = node.OpenFolder(target); err == nil {
			size, err = folder.ExportGovernance(out, nil)
		}
	}
	if err != nil {
		return failed(c, p, err)
	}
	return p.print(c, map[string]any{"ok": true, "out": out, "bytes": size}, func(w io.Writer) {
		fmt.Fprintf(w, "%s holds the governance of %s, %d bytes: whoever reads it reads all parties, keys and decisions\n", out, target, size)
	})
}

// show prints who could do what at the moment of the flags.
func (g *governanceFlags) show(c *cobra.Command, p *printer, found *ledger.Governance) error {
	state, err := g.state(found)
	if err != nil {
		return err
	}
	return p.print(c, state, func(w io.Writer) { printGovernance(w, state) })
}

func (g *governanceFlags) state(found *ledger.Governance) (ledger.GovernanceState, error) {
	moment, err := ledger.ParseMoment("--as-of", g.asOf)
	if err != nil {
		return ledger.GovernanceState{}, err
	}
	return found.At(moment)
}

// printGovernance writes a line for each thing, beginning with its kind.
func printGovernance(w io.Writer, s ledger.GovernanceState) {
	fmt.Fprintf(w, "governance of %s after %d leaves: %d decisions, the last at %s\n", s.Ledger, s.To, s.Entries, stamp(s.BookedAt))
	for _, m := range s.Members {
		fmt.Fprintf(w, "member %s\n", m)
	}
	for _, p := range s.Parties {
		fmt.Fprintf(w, "party %s roles %s%s%s\n", p.ID, join(p.Roles), since(" frozen since ", p.Frozen), since(" erased at ", p.Erased))
	}
	for _, k := range s.Keys {
		fmt.Fprintf(w, "key %s %s of %s %s %s\n", k.ID, k.Algorithm, k.Class, k.Holder, span(k.Since, k.Revoked))
	}
	for _, d := range s.Devices {
		fmt.Fprintf(w, "device %s of %s by gateway %s\n", d.ID, d.Operator, d.Gateway)
	}
	for _, o := range s.Sources {
		fmt.Fprintf(w, "source %s of %s, family %s\n", o.ID, o.Operator, o.Family)
	}
	for _, a := range s.Products {
		state := "approved" + since(" since ", a.Since)
		if a.Since == 0 {
			state = "approval withdrawn"
		}
		fmt.Fprintf(w, "product %s %s %s\n", a.Kind, a.Contract, state)
	}
	for _, m := range s.Measurements {
		fmt.Fprintf(w, "measurement %s %s release %s trusted %s\n", m.Platform, m.Value, m.Release, span(m.Since, m.Until))
	}
	printRules(w, s)
}

func printRules(w io.Writer, s ledger.GovernanceState) {
	fmt.Fprintln(w, "epoch 1 from the beginning")
	for _, e := range s.Epochs {
		fmt.Fprintf(w, "epoch %d from %s, index %d\n", e.Number, stamp(e.Since), e.Index)
	}
	if s.Recovery != nil {
		fmt.Fprintf(w, "recovery %d: any %d of %d members\n", s.Recovery.Number, s.Recovery.Threshold, len(s.Recovery.Members))
		for _, m := range s.Recovery.Members {
			fmt.Fprintf(w, "recovery share of %s\n", m.Party)
		}
	}
	if o := s.Opening; o != nil {
		fmt.Fprintf(w, "keys last opened by %s on %s at %s\n", o.Way, o.Platform, stamp(o.At))
	}
	for _, g := range s.Grants {
		fmt.Fprintf(w, "grant %s by %s to %s: %s, %s\n", g.ID, g.Granter, g.Viewer, g.Scope, span(g.Since, g.Until))
	}
	for _, r := range s.Proposals {
		_, key, _ := r.ID.Split()
		fmt.Fprintf(w, "proposal %s %s\n", strings.TrimPrefix(key, "proposal/"), r.Status)
	}
	fmt.Fprintf(w, "limits %d commands, %d reads a minute (0: none)\n", s.Limits.CommandsPerMinute, s.Limits.ReadsPerMinute)
	fmt.Fprintf(w, "constitution %d: %s\n", s.Constitution.Number, s.Constitution.Rule)
	fmt.Fprintf(w, "wants a proposal too: %s\n", strings.Join(s.Constitution.Proposed, ", "))
}

func join(roles []domain.Role) string {
	texts := make([]string, len(roles))
	for i, r := range roles {
		texts[i] = string(r)
	}
	return strings.Join(texts, ",")
}

func stamp(at domain.Millis) string {
	return time.UnixMilli(int64(at)).UTC().Format("2006-01-02T15:04:05.000Z")
}

func since(words string, at domain.Millis) string {
	if at == 0 {
		return ""
	}
	return words + stamp(at)
}

// span is the time in which something holds.
func span(from, until domain.Millis) string {
	if until == 0 {
		return "from " + stamp(from)
	}
	return "from " + stamp(from) + " until " + stamp(until)
}
