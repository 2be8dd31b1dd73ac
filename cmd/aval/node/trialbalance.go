package node

import (
	"path/filepath"

	"aval/ledger"
	"aval/ledger/sqlite"
)

// TrialBalance adds up the folder's log as of a moment, as it was when the reading began: a node
// may be running on it.
func (f *Folder) TrialBalance(asOf ledger.Moment, progress func(ledger.Progress)) (ledger.TrialBalance, error) {
	archive, err := sqlite.OpenSnapshot(filepath.Join(f.Dir, databaseFile))
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	defer archive.Close()
	return ledger.ReadTrialBalance(f.Keys, archive, asOf, progress)
}
