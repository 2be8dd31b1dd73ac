package domain

// LedgerEpoch is the record epoch/current of governance: the key epoch that bodies are sealed
// under from the batch after it.
type LedgerEpoch struct {
	// Number grows from 1, under which a ledger begins without a record.
	Number uint32 `json:"number"`
	// Since is the batch time at which it was decided.
	Since Millis `json:"since"`
}
