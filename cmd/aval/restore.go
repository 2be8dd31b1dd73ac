package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/ledger"
	"aval/ledger/enclave"
)

func restoreCommand() *cobra.Command {
	var p printer
	var from archiveFlags
	var preview bool
	var platform platformFlags
	c := &cobra.Command{
		Use: "restore ARCHIVE DIR", Short: "Rebuild a node's folder from a backup", Args: cobra.ExactArgs(2),
		Long: `Rebuild a node's folder from an archive that "aval export" wrote. Nothing in the archive is
believed: every signature is checked and every batch executed again, and what comes of it
must be what the signed head stands for. DIR must be new or empty and appears when all of it
is on disk; a restore that was killed is begun anew by the next one.

With --preview nothing is written: it says what is inside, whether it verifies, and how it
stands to the ledger in DIR, if there is one.

AN OLD BACKUP FORKS THE LOG. What was answered after the export is not in it, and a node that
goes on from it signs a second history, which whoever holds a later receipt can prove. Give
the newest checkpoint that anybody holds with --newest: an archive that lacks part of it is refused.

IT ALSO HOLDS WHAT WAS ERASED SINCE. Keep a governance file of after each erase apart ("aval governance
--export") and give the newest with --erased: what is private about the parties that are erased in it is not
restored. Members erase them again at once, for the log in the archive does not know of it.`,
		Example: `  aval restore --preview --enclave node ledger-2026-11-24.aval node
  aval restore --enclave kept-apart --newest checkpoint --erased governance.jsonl ledger-2026-11-24.aval node`,
		RunE: func(c *cobra.Command, args []string) error {
			archive, err := from.archive(args[0])
			if err != nil {
				return err
			}
			meter := newMeter(c.ErrOrStderr(), p.asJSON)
			archive.Tell, archive.Seal = meter.tell, platform.create
			if preview {
				return previewArchive(c, &p, archive, args[1])
			}
			found, err := archive.Restore(c.Context(), args[1])
			if err != nil {
				return failed(c, &p, err)
			}
			warn(c, platform.warning)
			return p.print(c, restoredResult(found, map[string]any{"dir": args[1]}), func(w io.Writer) {
				describeArchive(w, found)
				fmt.Fprintf(w, "restored into %s\n%s", args[1], forkWarning(found))
			})
		},
	}
	c.Flags().StringVar(&from.erased, "erased", "", erasedUsage)
	c.Flags().BoolVar(&preview, "preview", false, "say what is inside and write nothing")
	platform.flags(c)
	from.flags(c)
	p.flag(c)
	return c
}

// standingText says node.Standing.Archive in words.
var standingText = map[string]string{
	"same": "the same", "newer": "newer and holds all of that", "older": "older and lacks the end of that",
	"unrelated": "of another ledger", "forked": "FORKED: a second history under the same keys",
}

// archiveFlags say what an archive is read with.
type archiveFlags struct{ enclave, passphrase, policy, newest, erased string }

const erasedUsage = "governance file: what is private about the parties that are erased in it is not restored"

func (f *archiveFlags) flags(c *cobra.Command) {
	f.keyFlags(c)
	c.Flags().StringVar(&f.policy, "policy", "", "policy file of the ledger you know; without it that of the keys in the archive")
	c.Flags().StringVar(&f.newest, "newest", "", "file with the newest signed checkpoint known; the archive must hold all of it")
}

func (f *archiveFlags) keyFlags(c *cobra.Command) {
	c.Flags().StringVar(&f.enclave, "enclave", "", "folder whose platform opens the keys in an archive: it holds a SIMULATED-ENCLAVE-KEY or a tpm.json")
	c.Flags().StringVar(&f.passphrase, "passphrase-file", "", "file with the passphrase under which the keys in an archive were wrapped")
	c.MarkFlagsMutuallyExclusive("enclave", "passphrase-file")
}

// readPassphrase reads a passphrase, empty without a file. The spaces around it do not count.
func readPassphrase(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := readBounded(path, 2*node.MaxPassphrase)
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		err = fmt.Errorf("%s: empty", path)
	}
	return string(bytes.TrimSpace(text)), err
}

// isArchive tells an archive by the name of its first file, which a tar begins with.
func isArchive(path string) bool { return begins(path, ledger.ArchiveFile) }

// begins says whether a file begins with a text.
func begins(path, text string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	first := make([]byte, len(text))
	_, err = io.ReadFull(f, first)
	return err == nil && string(first) == text
}

func (f *archiveFlags) archive(path string) (node.Archive, error) {
	a := node.Archive{Path: path}
	if f.policy != "" {
		policy, err := readPolicy(f.policy)
		if err != nil {
			return a, err
		}
		a.Policy = &policy
	}
	var err error
	if a.Passphrase, err = readPassphrase(f.passphrase); err != nil {
		return a, err
	}
	if f.enclave != "" {
		if a.Platform, err = enclave.Detect(f.enclave); err != nil {
			return a, err
		}
	}
	if f.newest != "" {
		if a.Newest, err = readInput(f.newest); err != nil {
			return a, err
		}
	}
	a.Erased, err = readErased(f.erased)
	return a, err
}

// readErased reads a governance file, nil without a path.
func readErased(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return readBounded(path, ledger.MaxGovernanceBytes)
}

func previewArchive(c *cobra.Command, p *printer, archive node.Archive, dir string) error {
	found, standing, err := archive.Preview(c.Context(), dir)
	if err != nil {
		return failed(c, p, err)
	}
	return p.print(c, restoredResult(found, map[string]any{"standing": standing}), func(w io.Writer) {
		describeArchive(w, found)
		if standing != nil {
			fmt.Fprintf(w, "beside the %d leaves of %s it is %s\n", standing.Leaves, dir, standingText[standing.Archive])
		}
		fmt.Fprint(w, forkWarning(found))
	})
}

func verifyArchive(c *cobra.Command, p *printer, archive node.Archive, g *governanceFlags) error {
	archive.Tell = newMeter(c.ErrOrStderr(), p.asJSON).tell
	found, err := archive.Verify(c.Context())
	if err != nil {
		return failed(c, p, err)
	}
	if found.Governance == nil {
		return p.print(c, restoredResult(found, map[string]any{}), func(w io.Writer) {
			describeArchive(w, found)
			fmt.Fprintln(w, "it holds no governance file")
		})
	}
	state, err := g.state(found.Governance)
	if err != nil {
		return err
	}
	return p.print(c, restoredResult(found, map[string]any{"governance": state}), func(w io.Writer) {
		describeArchive(w, found)
		printGovernance(w, state)
	})
}

func restoredResult(found ledger.Restored, more map[string]any) map[string]any {
	more["ok"], more["report"], more["root"] = true, found, hex.EncodeToString(found.Root)
	return more
}

func describeArchive(w io.Writer, found ledger.Restored) {
	fmt.Fprintf(w, "archive of %s: %d leaves, %d batches, %d entries, the last at %s; %d messages in quarantine\n",
		found.Origin, found.Leaves, found.Batches, found.Entries, instant(found), found.Quarantined)
	if found.Executed {
		fmt.Fprintf(w, "clean: every batch was executed again (%d refusals) and stands under the signed head\n", found.Refusals)
	} else {
		fmt.Fprintln(w, "clean: every leaf stands under the signed head; the sealed bodies were counted but not opened, which needs --enclave")
	}
	for _, party := range found.ErasedAgain {
		fmt.Fprintf(w, "left out: what is private about %s, who was erased after this archive was made; members, erase it again\n", party)
	}
}

func instant(found ledger.Restored) string {
	return time.UnixMilli(int64(found.BookedAt)).UTC().Format(time.RFC3339)
}

// forkWarning is what everybody must know before a node goes on from a backup.
func forkWarning(found ledger.Restored) string {
	return fmt.Sprintf("WARNING: whatever was answered after %s is lost in it. A node that goes on from here signs a second history;\n"+
		"do so only if nobody holds a later checkpoint or receipt (--newest), or all agree on what was lost.\n", instant(found))
}

// failed reports a fault as such.
func failed(c *cobra.Command, p *printer, err error) error {
	var fault *ledger.Fault
	if errors.As(err, &fault) {
		return fail(c, p, fault)
	}
	return err
}
