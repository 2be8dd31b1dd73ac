package ledger

import (
	"strings"

	"aval/domain"
)

// GovernanceState is who could do what when a batch ended.
type GovernanceState struct {
	// To is the number of leaves that count.
	To uint64 `json:"to"`
	// Records are the open records of governance/1 in order of key, with all their fields.
	Records []RecordView `json:"records"`
}

// DeriveGovernance shows every member, party, key, role, measurement, grant and rule as they stood when the
// batch of a moment ended. It executes the stored log again, as DeriveRecord does, and fails as it does.
func DeriveGovernance(keys *Keys, archive Archive, contracts []domain.Contract, codecs []domain.Codec,
	asOf Moment, progress func(Progress)) (GovernanceState, error) {
	b, err := openBooks(keys, archive)
	if err != nil {
		return GovernanceState{}, err
	}
	d := derivation{audit: newAudit(keys, b.vault, archive, contracts, codecs), progress: progress}
	if err := d.run(b, asOf); err != nil {
		return GovernanceState{}, err
	}
	return d.governance()
}

func (d *derivation) governance() (GovernanceState, error) {
	found := GovernanceState{To: d.next, Records: []RecordView{}}
	contract := d.kinds[domain.GovernanceKind]
	var failed error
	d.state.scan(registryPrefix, "", func(s *slot) bool {
		if strings.HasPrefix(s.Key, "holder/") { // who registered whom: the keys say the rest
			return true
		}
		v := RecordView{ID: domain.NewRecordID(s.Kind, s.Key), Kind: s.Kind, Status: s.Status, Final: s.Final}
		v.Fields, failed = contract.Show(s.Key, s.Body, "")
		found.Records = append(found.Records, v)
		return failed == nil
	})
	return found, failed
}
