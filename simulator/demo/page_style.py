"""How the page looks."""

from __future__ import annotations

from typing import Final

STYLE: Final = """

body{font:15px/1.45 system-ui,'Noto Sans','Lohit Devanagari',sans-serif;color:#1f2328;background:#fff;max-width:1040px;margin:24px auto;
padding:0 16px}
h1{font-size:28px;margin:0}h2{font-size:17px;margin:26px 0 4px}h3{font-size:16px;margin:0 0 4px}.lead{font-size:17px;margin:4px 0 12px}
.verdict{padding:9px 14px;border-radius:6px;margin:0 0 12px}.kept{background:#dafbe1;border:1px solid #4ac26b}
.broken{background:#ffebe9;border:1px solid #cf222e}.cards{display:flex;gap:14px}
.card{flex:1;border-radius:6px;padding:10px 16px;border:1px solid #d0d7de;border-top-width:5px}
.card ul{list-style:none;margin:0;padding:0}
.card b{display:inline-block;min-width:122px;text-align:right;margin-right:8px;font-size:19px}.card.with{border-top-color:#0969da}
.card.without{border-top-color:#bc4c00}svg{width:100%;min-width:720px;display:block}text{font-size:12.5px;fill:#1f2328}
.small,small{font-size:12px;fill:#59636e;color:#59636e}.name{font-weight:600}.figure{font-weight:600;font-size:12.5px}
.bad{fill:#a40e26;font-size:12px;font-weight:600}.grid{stroke:#8c959f;stroke-width:.5;stroke-opacity:.4;fill:none}.down{fill:#ffd8d3}
.trouble{fill:#fff1c2}.line{fill:none;stroke-width:2.6}.line.thin{stroke-width:1.4}.line.with{stroke:#0969da}
.line.without{stroke:#bc4c00}.line.confirmed{stroke:#54aeff;stroke-width:1.8;stroke-dasharray:5 3}.bar.with{fill:#0969da}
.bar.without{fill:#e08f5d}.other{fill:#9a3d00;font-size:12px;color:#9a3d00}.measured{fill:#a40e26}
.limit{stroke:#a40e26;stroke-dasharray:6 4;fill:none}.key.with{fill:#0969da}.key.without{fill:#d1702f}.key.measured{fill:#a40e26}
.key.confirmed{fill:#54aeff}.wide{overflow-x:auto}table{border-collapse:collapse;font-size:12px;width:100%}
td,th{padding:3px 4px;border-bottom:1px solid #d0d7de;text-align:right;white-space:nowrap}
tr:first-child th{white-space:normal;vertical-align:bottom}th:first-child{text-align:left;font-weight:400}
td.all{font-weight:600;background:#ddf4ff}.promised td{background:#eefbf0}
"""
