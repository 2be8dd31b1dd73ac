package node

import (
	"bytes"
	"io"
	"os"

	"aval/contracts/governance"
	"aval/ledger"
)

// OpenGovernance verifies a governance file knowing only a policy, and executes it again.
func OpenGovernance(policy ledger.Policy, file io.Reader) (*ledger.Governance, error) {
	return ledger.OpenGovernance(policy, governance.Contract, file)
}

// Governance is that of the folder's ledger at its newest head, made into a file and verified like one.
func (f *Folder) Governance(progress func(ledger.Progress)) (*ledger.Governance, error) {
	policy, err := f.policy()
	if err != nil {
		return nil, err
	}
	text, err := f.governanceFile(policy.LogOnly(), progress)
	if err != nil {
		return nil, err
	}
	return OpenGovernance(policy.LogOnly(), bytes.NewReader(text))
}

// ExportGovernance writes the governance file of the folder's ledger, under a head that the policy which the folder
// hands out accepts. The file appears under its name only when it is complete and on disk.
func (f *Folder) ExportGovernance(path string, progress func(ledger.Progress)) (bytes int, err error) {
	policy, err := f.policy()
	if err != nil {
		return 0, err
	}
	text, err := f.governanceFile(policy, progress)
	if err != nil {
		return 0, err
	}
	return len(text), WriteGovernance(path, text)
}

func (f *Folder) governanceFile(policy ledger.Policy, progress func(ledger.Progress)) ([]byte, error) {
	archive, err := f.snapshot()
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	return ledger.ExportGovernance(f.Keys, policy, archive, progress)
}

// WriteGovernance writes a governance file that must not exist yet.
func WriteGovernance(path string, text []byte) error {
	return publishFile(path, func(out *os.File) error {
		_, err := out.Write(text)
		return err
	})
}
