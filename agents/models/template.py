"""The chat template of the tiny family: ChatML with terse tools, as short as a conversation can be.

A system message is left out: the family learns how to act from demonstrations. Of a tool it shows the name, the names
of the parameters and the description; types and choices stand in the schema, which a model this small does not read.
Turns and results are laid out as the `hermes` dialect has them, so that what a model writes is parsed by it.
The template only ever grows at its end, and marks what the assistant writes (`generation`).
"""

from __future__ import annotations

CHAT_TEMPLATE = """\
{%- if tools -%}
<|im_start|>tools
{% for tool in tools -%}
{%- set function = tool.function or tool -%}
{{ function.name }}({{ (function.parameters.properties or {}) | join(', ') }}) {{ function.description }}
{% endfor -%}
<|im_end|>
{% endif -%}
{%- for message in messages -%}
{%- if message.role == 'assistant' -%}
<|im_start|>assistant
{% generation -%}
{{- message.content or '' -}}
{%- for call in message.tool_calls or [] -%}
{%- set function = call.function or call -%}
{%- if not loop.first or message.content %}{{ '\\n' }}{% endif -%}
{{- '<tool_call>\\n{"name": "' ~ function.name ~ '", "arguments": ' -}}
{{- function.arguments if function.arguments is string else function.arguments | tojson -}}
{{- '}\\n</tool_call>' -}}
{%- endfor -%}
<|im_end|>
{%- endgeneration -%}
{{- '\\n' -}}
{%- elif message.role == 'tool' -%}
{%- if loop.first or loop.previtem.role != 'tool' -%}<|im_start|>user{{ '\\n' }}{%- else -%}{{ '\\n' }}{%- endif -%}
{{- '<tool_response>\\n' ~ message.content ~ '\\n</tool_response>' -}}
{%- if loop.last or loop.nextitem.role != 'tool' -%}<|im_end|>{{ '\\n' }}{%- endif -%}
{%- elif message.role != 'system' -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""
"""Jinja; `tools` and `messages` in OpenAI's form."""
