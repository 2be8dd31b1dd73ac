package demo

import (
	"time"

	"aval/domain"
	"aval/iot/gateway"
)

// The trip: from a quay in the north to a cold store's dock, made up for the demonstration.
const (
	interval      = 10 * time.Minute
	startLat      = 60_3921_000
	startLon      = 5_3234_000
	dockLatitude  = 53_8654_000
	dockLongitude = 10_6866_000
)

// trip gives a reading each ten minutes: a gentle swing around four degrees, fifty minutes
// with the doors open at a ferry, and half an hour at the dock.
func trip(began time.Time) []gateway.Sample {
	const samples = tripHours * 6
	const atDock = 4
	all := make([]gateway.Sample, 0, samples)
	for i := range samples {
		at := domain.Millis(began.Add(time.Duration(i+1) * interval).UnixMilli())
		way := int64(min(i, samples-atDock))
		lat := startLat + (dockLatitude-startLat)*way/(samples-atDock)
		lon := startLon + (dockLongitude-startLon)*way/(samples-atDock)
		all = append(all, gateway.Sample{At: at, Readings: []domain.Reading{
			{Name: "temperature", Unit: "Cel", Value: temperature(i), Scale: 3, At: at},
			{Name: "latitude", Unit: "lat", Value: lat, Scale: 7, At: at},
			{Name: "longitude", Unit: "lon", Value: lon, Scale: 7, At: at},
		}})
	}
	return all
}

// temperature is in thousandths of a degree Celsius.
func temperature(i int) int64 {
	swing := int64(i*37%23) * 45
	if i >= 54 && i < 59 {
		return 8_400 + swing
	}
	return 3_500 + swing
}
