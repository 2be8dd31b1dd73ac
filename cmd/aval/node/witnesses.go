package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"aval/ledger"
	"aval/ledger/witness"
)

// ContradictionFile is written when witnesses prove that the database is not the newest one. A
// node does not start beside it.
const ContradictionFile = "contradiction.txt"

// WitnessesConfig names the witnesses that cosign the ledger's heads: in a policy file, or in a list.
type WitnessesConfig struct {
	// Policy is a C2SP tlog-policy file with witnesses, groups and quorum, in place of List and
	// Quorum. A log line in it must be this ledger's. Each witness needs its URL.
	Policy string `json:"policy,omitempty"`
	// Quorum is how many of the List must have cosigned a head before it is published.
	Quorum int             `json:"quorum,omitempty"`
	List   []WitnessConfig `json:"list,omitempty"`
}

// WitnessConfig is one witness.
type WitnessConfig struct {
	// Name stands for it in the policy, in the log and in metrics: one word.
	Name string `json:"name"`
	// Key is its verifier key, as "aval witness" prints it; URL where it listens.
	Key string `json:"key"`
	URL string `json:"url"`
}

func (c *WitnessesConfig) check() error {
	switch {
	case c == nil:
		return nil
	case c.Policy != "" && (c.Quorum != 0 || len(c.List) > 0):
		return errors.New("witnesses: want a policy, or a list and its quorum")
	case c.Policy == "" && (c.Quorum < 1 || c.Quorum > len(c.List)):
		return fmt.Errorf("witnesses.quorum %d: want 1 to %d, the length of witnesses.list", c.Quorum, len(c.List))
	}
	for i, w := range c.List {
		if len(bytes.Fields([]byte(w.Name))) != 1 || len(bytes.Fields([]byte(w.Key))) != 1 || len(bytes.Fields([]byte(w.URL))) != 1 {
			return fmt.Errorf("witnesses.list[%d]: want name, key and url, each without spaces", i)
		}
	}
	return nil
}

// PolicyText is what verifiers of this ledger's receipts are handed: its log key, its witnesses
// and their quorum.
func (f *Folder) PolicyText() ([]byte, error) {
	c := f.Config.Witnesses
	if c == nil {
		return f.Keys.Policy(), nil
	}
	log := "log " + f.Keys.LogVerifier + "\n"
	if c.Policy == "" {
		return []byte(log + c.lines()), nil
	}
	text, err := os.ReadFile(f.path(c.Policy))
	if err != nil {
		return nil, fmt.Errorf("witnesses.policy: %w", err)
	}
	if len(text) > ledger.MaxPolicyBytes {
		return nil, fmt.Errorf("witnesses.policy: %d bytes, limit %d", len(text), ledger.MaxPolicyBytes)
	}
	for line := range bytes.Lines(text) {
		if fields := bytes.Fields(line); len(fields) > 0 && string(fields[0]) == "log" {
			return text, nil
		}
	}
	return append([]byte(log), text...), nil
}

// lines writes the list as a policy has it.
func (c *WitnessesConfig) lines() string {
	var text bytes.Buffer
	for _, w := range c.List {
		fmt.Fprintf(&text, "witness %s %s %s\n", w.Name, w.Key, w.URL)
	}
	fmt.Fprintf(&text, "group cosigners %d", c.Quorum)
	for _, w := range c.List {
		fmt.Fprintf(&text, " %s", w.Name)
	}
	text.WriteString("\nquorum cosigners\n")
	return text.String()
}

// policy reads the policy of the folder.
func (f *Folder) policy() (ledger.Policy, error) {
	text, err := f.PolicyText()
	if err != nil {
		return ledger.Policy{}, err
	}
	p, err := ledger.ParsePolicy(text)
	if err != nil {
		return p, fmt.Errorf("witnesses: %w", err)
	}
	return p, nil
}

// checkContradiction refuses a folder whose database is known not to be the newest one.
func (f *Folder) checkContradiction() error {
	path := f.path(ContradictionFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%s: witnesses know a newer or another history of this ledger; put the newest database back, then remove this file", path)
}

// addWitnesses asks the witnesses of the policy. The engine waits until they were asked once:
// whatever they know that this database does not is heard before anything is committed.
func (n *Node) addWitnesses(policy ledger.Policy) error {
	if n.Folder.Config.Witnesses == nil {
		n.parts = append(n.parts, n.Engine.Run)
		return nil
	}
	var err error
	n.Witnesses, err = witness.NewGatherer(witness.GathererConfig{Log: n.Engine, Policy: policy, Logger: n.options.Log, Now: time.Now})
	if err != nil {
		return err
	}
	if err := n.Folder.writePolicy(); err != nil {
		return err
	}
	n.parts = append(n.parts, n.gather, func(ctx context.Context) error {
		select {
		case <-n.Witnesses.Asked():
			if err := n.witnessHead(); err != nil {
				return err
			}
		case <-ctx.Done():
		}
		return n.Engine.Run(ctx)
	})
	return nil
}

// gather keeps what proves that the ledger must not go on.
func (n *Node) gather(ctx context.Context) error {
	err := n.Witnesses.Run(ctx)
	var c *witness.Contradiction
	if errors.As(err, &c) {
		n.options.Log.Error(c.Error())
		text := fmt.Appendf(nil, "%v\n\n%s", c, c.Evidence)
		err = errors.Join(err, writeFile(n.Folder.path(ContradictionFile), text, 0o600))
	}
	return err
}

// writePolicy brings the file that is handed out in line with the configuration.
func (f *Folder) writePolicy() error {
	text, err := f.PolicyText()
	if err != nil {
		return err
	}
	path := filepath.Join(f.Dir, PolicyFile)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return replaceFile(path, text, 0o644)
}
