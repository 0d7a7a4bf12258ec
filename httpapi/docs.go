package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/goccy/go-yaml"
)

// document is openapi.yaml as far as the page of it goes.
type document struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Paths      map[string]pathItem
	Components struct {
		Schemas    yaml.MapSlice
		Parameters map[string]parameter
	}
}

// pathItem is a path with its methods, and the parameters of all of them.
type pathItem struct {
	Get, Post, Put, Delete *operation
	Parameters             []parameter
}

// operation is a method of a path.
type operation struct {
	Method, Path         string
	Summary, Description string
	Parameters           []parameter
	RequestBody          struct {
		Content map[string]media
	} `yaml:"requestBody"`
	Responses yaml.MapSlice
}

// parameter is something in an address, or the place of it among the components.
type parameter struct {
	Name, In, Description string
	Example               any
	Content               map[string]media
	Ref                   string `yaml:"$ref"`
}

// Shown returns the example of a parameter, "" where there is none.
func (p parameter) Shown() (string, error) {
	if value := p.Content["application/json"].Example; value != nil {
		return jsonOf(value)
	}
	if p.Example == nil {
		return "", nil
	}
	return fmt.Sprint(p.Example), nil
}

// jsonOf returns a value of the document as one line of JSON.
func jsonOf(value any) (string, error) {
	text, err := yaml.MarshalWithOptions(value, yaml.JSON())
	return strings.TrimSpace(string(text)), err
}

// parametersOf returns the parameters of an operation, those of its path first, each as
// the components have it.
func (d *document) parametersOf(item pathItem, own []parameter) []parameter {
	all := append(slices.Clone(item.Parameters), own...)
	for i, p := range all {
		if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
			all[i] = d.Components.Parameters[name]
		}
	}
	return all
}

// docsPage is what the template of the page is given.
type docsPage struct {
	document
	Style      template.CSS
	Operations []operation
	Schemas    []schemaText
}

// schemaText is a schema as the document has it.
type schemaText struct{ Name, Text string }

// docsPolicy lets a browser use the style of the page and nothing else.
func docsPolicy() string {
	style := sha256.Sum256([]byte(docsStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// docsOf returns the page of openapi.yaml.
func docsOf(raw []byte) (page asset, err error) {
	var d document
	// What replaces a member of a merge key is a duplicate to this library.
	if err := yaml.UnmarshalWithOptions(raw, &d, yaml.UseOrderedMap(), yaml.AllowDuplicateMapKey()); err != nil {
		return page, err
	}
	view := docsPage{document: d, Style: docsStyle}
	paths := slices.Collect(maps.Keys(d.Paths))
	slices.SortFunc(paths, func(a, b string) int { return bytes.Index(raw, lineOf(a)) - bytes.Index(raw, lineOf(b)) })
	for _, path := range paths {
		item := d.Paths[path]
		for _, op := range []struct {
			method string
			*operation
		}{{"GET", item.Get}, {"POST", item.Post}, {"PUT", item.Put}, {"DELETE", item.Delete}} {
			if op.operation != nil {
				shown := *op.operation
				shown.Method, shown.Path, shown.Parameters = op.method, path, d.parametersOf(item, shown.Parameters)
				view.Operations = append(view.Operations, shown)
			}
		}
	}
	for _, schema := range d.Components.Schemas {
		text, err := yaml.Marshal(schema.Value)
		if err != nil {
			return page, err
		}
		view.Schemas = append(view.Schemas, schemaText{fmt.Sprint(schema.Key), string(text)})
	}
	var body bytes.Buffer
	if err := docsTemplate.Execute(&body, view); err != nil {
		return page, err
	}
	sum := sha256.Sum256(body.Bytes())
	return asset{body.Bytes(), pack(body.Bytes()), "text/html; charset=utf-8", fmt.Sprintf(`"%x`, sum[:8])}, nil
}

// lineOf returns how a path begins in the document.
func lineOf(path string) []byte { return []byte("\n  " + path + ":\n") }

// getDocs answers GET /docs.
func (s *Server) getDocs(c *gin.Context) error {
	docs, err := s.docs()
	if err != nil {
		return err
	}
	c.Header("Content-Security-Policy", docsPolicy())
	return docs.send(c)
}

const docsStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
pre { overflow-x: auto; padding: .6rem; border-radius: .4rem; background: color-mix(in srgb, currentColor 8%, transparent); font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; } h3 { margin: 2rem 0 .2rem; font-size: 1.05rem; }
code { font-size: .9rem; } .method { display: inline-block; min-width: 4.2rem; font-weight: 700; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.2rem; }
nav { columns: 28rem; font-size: .9rem; } nav a { display: block; text-decoration: none; break-inside: avoid; }
nav a:hover, nav a:focus { text-decoration: underline; } nav code { display: grid; grid-template-columns: 4.2rem 1fr; overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: 600; }
`

// docsTemplate is the page.
var docsTemplate = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Info.Title}}: the interface</title><style>{{.Style}}</style></head><body>
<h1>{{.Info.Title}}</h1><p>{{.Info.Summary}}</p><p>The same as a document: <a href="openapi.yaml">openapi.yaml</a>.</p>
<pre>{{.Info.Description}}</pre>
<nav aria-label="Routes">{{range .Operations}}<a href="#{{.Method}} {{.Path}}"><code><span class="method">{{.Method}}</span> {{.Path}}</code></a>{{end}}</nav>
<main><h2>Routes</h2>
{{range .Operations}}<section><h3 id="{{.Method}} {{.Path}}"><code><span class="method">{{.Method}}</span> {{.Path}}</code></h3>
<p>{{.Summary}}</p>{{with .Description}}<pre>{{.}}</pre>{{end}}
{{with .Parameters}}<dl>{{range .}}<dt><code>{{.Name}}</code> in the {{.In}}</dt><dd>{{.Description}}{{with .Shown}} Example: <code>{{.}}</code>{{end}}</dd>{{end}}</dl>{{end}}
{{with .RequestBody.Content}}<p>Body: {{range $type, $_ := .}}<code>{{$type}}</code> {{end}}</p>{{end}}
{{range .Shown}}<details><summary>Examples of <code>{{.Type}}</code></summary>{{range .Examples}}<p><b>{{.Name}}</b>{{with .Summary}}: {{.}}{{end}}</p><pre>{{.Text}}</pre>{{end}}</details>
{{end}}<p>Answers: {{range .Responses}}<code>{{.Key}}</code> {{end}}</p></section>
{{end}}<h2>Schemas</h2>
{{range .Schemas}}<details id="{{.Name}}"><summary>{{.Name}}</summary><pre>{{.Text}}</pre></details>
{{end}}</main></body></html>
`))
