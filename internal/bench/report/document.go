package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
)

// assets are the documents' templates, styles and scripts. uPlot is as npm has it (1.6.32,
// MIT), see its LICENSE.
//
//go:embed assets
var assets embed.FS

// document is what the templates are filled with.
type document struct {
	Title      string
	Comparison *comparisonView // of a comparison only
	Runs       []run
}

// Plots are all that the script has to draw.
func (d document) Plots() []plot {
	plots := []plot{}
	for _, r := range d.Runs {
		for _, f := range r.Figures {
			plots = append(plots, f.Plot)
		}
	}
	return plots
}

// page is a document with what makes it stand alone.
type page struct {
	document
	Policy  string // Content-Security-Policy: these scripts, and nothing from elsewhere
	Styles  template.CSS
	License string
	Scripts []template.JS
}

func (d document) write(w io.Writer, name string) error {
	p := page{document: d}
	read := func(name string) string {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic("BUG: report: " + err.Error()) // it is part of the program
		}
		return string(text)
	}
	p.Styles = template.CSS(read("uplot/uPlot.min.css") + read("style.css"))
	p.License = read("uplot/LICENSE")
	p.Policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src"
	for _, name := range []string{"uplot/uPlot.iife.min.js", "plots.js"} {
		script := read(name)
		sum := sha256.Sum256([]byte(script))
		p.Policy += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		p.Scripts = append(p.Scripts, template.JS(script))
	}
	t, err := template.New(name).Funcs(formats()).ParseFS(assets, "assets/*.html")
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, name+".html", p)
}
