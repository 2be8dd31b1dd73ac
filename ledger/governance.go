package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// GovernanceFormat names the form of a governance file: lines of JSON, the first of which is the head and each
// other discloses one accepted entry of governance/1. docs/governance-format.md has all of it.
const GovernanceFormat = "aval-governance/1"

// Limits of a governance file.
const (
	// MaxGovernanceBytes bounds the whole file, which is held in memory.
	MaxGovernanceBytes = 64 << 20
	// MaxGovernanceLine bounds one line: the largest entry in base64, and its proofs.
	MaxGovernanceLine = 12 << 20
)

// governanceHead says what the file is of, and proves how many entries it must hold: the last seal leaf under
// the checkpoint commits to the chain.
type governanceHead struct {
	Format string `json:"format"`
	Origin string `json:"origin"`
	// Entries and Chain are the governanceChain that Seal commits to under Salt.
	Entries uint64 `json:"entries"`
	Chain   []byte `json:"chain"`
	// Seal is the last leaf under the checkpoint, Proof its RFC 6962 audit path.
	Seal       []byte   `json:"seal"`
	Salt       []byte   `json:"salt"`
	Proof      [][]byte `json:"proof"`
	Checkpoint string   `json:"checkpoint"`
}

// governanceLine discloses one entry, as view 0 of its leaf, and proves that the leaf is in the log.
type governanceLine struct {
	// Number counts the lines from 1.
	Number uint64 `json:"number"`
	Index  uint64 `json:"index"`
	Leaf   []byte `json:"leaf"`
	// Entry is the canonical entry, Salt that of its commitment.
	Entry []byte `json:"entry"`
	Salt  []byte `json:"salt"`
	// Views counts the views of the leaf, Path is the audit path of view 0 among them.
	Views int64    `json:"views"`
	Path  [][]byte `json:"path"`
	// Proof is the audit path of the leaf in the log.
	Proof [][]byte `json:"proof"`
}

// disclosure is the line as the extra of a receipt.
func (l governanceLine) disclosure() extra {
	return extra{Leaf: l.Leaf, Fields: []committed{{Path: entryPath, Salt: l.Salt, Value: l.Entry}}, Count: l.Views, Path: l.Path}
}

// appendLine adds a line in its one form.
func appendLine(to []byte, line any) ([]byte, error) {
	text, err := json.Marshal(line)
	return append(append(to, text...), '\n'), err
}

// parseLine reads a line and refuses any but its one form: every byte of the file has a meaning.
func parseLine(text []byte, line any) error {
	if err := json.Unmarshal(text, line); err != nil {
		return fmt.Errorf("not a line of a governance file: %w", err)
	}
	if exact, err := appendLine(nil, line); err != nil || !bytes.Equal(exact, text) {
		return fmt.Errorf("not in the exact form of a governance file")
	}
	return nil
}

func auditPath(proof tlog.RecordProof) [][]byte {
	path := make([][]byte, len(proof))
	for i, h := range proof {
		path[i] = h[:]
	}
	return path
}

// checkIncluded wants a leaf at an index under a head.
func checkIncluded(head Checkpoint, index uint64, leaf []byte, path [][]byte) error {
	proof := make(tlog.RecordProof, len(path))
	for i, h := range path {
		if len(h) != tlog.HashSize {
			return fmt.Errorf("proof: a hash of %d bytes", len(h))
		}
		proof[i] = tlog.Hash(h)
	}
	return tlog.CheckRecord(proof, int64(head.Size), tlog.Hash(head.Hash), int64(index), tlog.RecordHash(leaf))
}
