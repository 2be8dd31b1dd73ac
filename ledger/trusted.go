package ledger

import "aval/domain"

// Measurements lists the code that governance has ever named, whether it is trusted now or not, in order of key.
func (e *Engine) Measurements() []domain.Measurement {
	var all []domain.Measurement
	e.published.Load().state.scan(registryPrefix+"measurement/", "", func(s *slot) bool {
		if m, ok := s.registered.(domain.Measurement); ok {
			all = append(all, m)
		}
		return true
	})
	return all
}
