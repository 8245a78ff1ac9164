"""How scenarios are built: five stages, and the gates every scenario passes before it ships."""
