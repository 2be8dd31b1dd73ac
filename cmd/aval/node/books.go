package node

import (
	"aval/contracts"
	"aval/domain"
	"aval/ledger"
)

// TrialBalance adds up the folder's log as of a moment, as it was when the reading began: a node
// may be running on it.
func (f *Folder) TrialBalance(asOf ledger.Moment, progress func(ledger.Progress)) (ledger.TrialBalance, error) {
	archive, err := f.snapshot()
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	defer archive.Close()
	return ledger.ReadTrialBalance(f.Keys, archive, asOf, progress)
}

// Record derives a record of the folder's ledger as it stood at a moment.
func (f *Folder) Record(id domain.RecordID, asOf ledger.Moment, progress func(ledger.Progress)) (ledger.PastRecord, error) {
	archive, err := f.snapshot()
	if err != nil {
		return ledger.PastRecord{}, err
	}
	defer archive.Close()
	return ledger.DeriveRecord(f.Keys, archive, contracts.Table(), Codecs(), id, asOf, progress)
}
