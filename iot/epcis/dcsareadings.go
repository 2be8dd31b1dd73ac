package epcis

import (
	"aval/domain"
	"aval/domain/ident"
)

// Readings are the facts that a contract can judge. Only what happened counts (ACT): what is planned, estimated
// or requested says no more than that the event is there.
func (t Tracking) Readings() ([]domain.Reading, error) {
	var all []domain.Reading
	for i, e := range t.Events {
		all = append(all, e.readings()...)
		if len(all) > MaxReadings {
			return nil, domain.Refuse(domain.LimitExceeded, "events[%d]: more than %d readings in one document", i, MaxReadings)
		}
	}
	return all, nil
}

func (e TrackingEvent) readings() []domain.Reading {
	if e.Retracted {
		return []domain.Reading{{Name: domain.QuantityWithdrawal, Text: e.ID, At: max(e.Updated, e.At), State: "retracted"}}
	}
	all := []domain.Reading{{Name: domain.QuantityEvent, Text: e.Digest, Value: int64(e.Updated), At: e.At}}
	if e.Classifier == "ACT" {
		if ident.CheckContainer("equipmentReference", e.Container) == nil {
			all = append(all, domain.Reading{Name: domain.QuantityGoods, Text: e.Container, At: e.At})
		}
		all = append(all, e.facts()...)
	}
	for i := range all {
		all[i].Event = e.ID
	}
	return all
}

// facts are what happened to the container.
func (e TrackingEvent) facts() []domain.Reading {
	var all []domain.Reading
	if to := e.movement(); to != "" {
		all = append(all, domain.Reading{Name: domain.QuantityMove, Text: e.Container, At: e.At, Place: e.Place, State: to})
	}
	state := domain.StateIntact
	switch e.Code {
	case "RSEA":
		state = domain.StateAffixed
	case "RMVD":
		state = domain.StateRemoved
	}
	for _, s := range e.Seals {
		all = append(all, domain.Reading{Name: domain.QuantitySeal, Text: s.Number, At: e.At, Place: e.Place, State: state, By: s.Source})
	}
	switch e.Signal {
	case "DRO":
		all = append(all, domain.Reading{Name: domain.QuantityDoor, At: e.At, Place: e.Place, State: domain.StateOpened})
	case "DRC":
		all = append(all, domain.Reading{Name: domain.QuantityDoor, At: e.At, Place: e.Place, State: domain.StateClosed})
	case "LOC":
		all = append(all, coordinates(e.Latitude, e.Longitude, e.At)...)
	}
	if e.Code == "MEAS" {
		all = append(all, e.temperature())
	}
	return all
}

// movement says which way an event moves a container, empty if in neither.
func (e TrackingEvent) movement() string {
	switch e.Code {
	case "ARRI", "GTIN", "DISC", "DROP":
		return domain.StateArrived
	case "DEPA", "GTOT", "LOAD", "PICK":
		return domain.StateDeparted
	}
	return ""
}

func (e TrackingEvent) temperature() domain.Reading {
	if e.Measured != nil {
		if milli, ok := e.Measured.celsius(e.Unit); ok {
			return celsius(domain.QuantityTemperature, milli, 0, e.At)
		}
	}
	return domain.Reading{Name: domain.QuantityFault, Text: "NO_VALUE", At: e.At}
}
